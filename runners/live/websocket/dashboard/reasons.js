"use strict";
// The server's reasons, which are English sentences for operators, in the words of the page.

// By kind: key of a text, and the sentence it stands for; its groups are the text's values.
const REASONS = {
  store: [
    ["reason_disk_full", /the disk is full/],
    ["reason_disk", /the disk fails/],
    ["reason_locked", /database locked/],
    ["reason_slow_disk", /a commit has taken (?<seconds>[\d.]+) s/],
  ],
  feed: [
    ["reason_broker", /no connection to its broker/],
    ["reason_no_tick", /^(?<symbol>\S+): no tick(?: since (?<since>[\d-]+ [\d:]+))? in an open session/],
    ["reason_ahead", /^(?<stream>\S+ \S+) is ahead of the clock: .*and it is (?<until>[\d-]+ [\d:]+)/],
    ["reason_clock", /server's clock is/],
    ["reason_terminal", /no answer from the terminal for (?<seconds>\d+) s/],
    ["reason_stale", /^(?<stream>\S+ \S+) is stale: (?<missing>\d+) bars missing, the last opened at (?<opened>no time at all|[\d-]+ [\d:]+)/],
    ["reason_unknown", /^(?<symbol>\S+): unknown at the terminal/],
    ["reason_no_bars", /^(?<symbol>\S+): the terminal gave no bars/],
    ["reason_account", /\baccount\b/],
  ],
  websocket: [["reason_slow_client", /answers after (?<seconds>[\d.]+) s/]],
  detector: [
    ["reason_disabled", /^(?<detector>\S+) disabled on (?<stream>\S+ \S+)/],
    ["reason_off", /^(?<detector>\S+) is off on (?<stream>\S+ \S+):/],
  ],
};
const EXPIRED = /; (?<contract>\S+) expire[sd] on (?<day>[\d-]+), its successor now is (?<next>\S+)/;

// A reason of /health; one that is not known is told by its kind.
function wordReason(reason) {
  const [, kind, name, said] = /^([\w-]+)(?: ([^\s:]+))?: (.*)$/s.exec(reason) ?? [null, "other", "", reason];
  const known = kind.replace("-", "");
  for (const [key, sentence] of REASONS[known] ?? []) {
    const found = sentence.exec(said);
    if (found) return wordKnown(key, found.groups ?? {}) + wordExpiry(said);
  }
  return t(Object.hasOwn(TEXTS[LANGUAGE], `kind_${known}`) ? `kind_${known}` : "kind_other", { name }) + wordExpiry(said);
}

function wordKnown(key, groups) {
  const values = Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, value && wordValue(value)]));
  if (groups.opened === "no time at all") return t("reason_stale_all", values);
  if (key === "reason_stale") return t(groups.missing === "1" ? "reason_stale_one" : "reason_stale_many", values);
  if (key === "reason_no_tick" && !groups.since) return t("reason_no_tick_at_all", values);
  return t(key, values);
}

function wordExpiry(said) {
  const found = EXPIRED.exec(said);
  return found ? `; ${t("expired_contract", { ...found.groups, day: wordValue(found.groups.day) })}` : "";
}

// Times as the page writes them, numbers too; names stay what they are.
function wordValue(value) {
  const [, date, time] = /^(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d)(?::\d\d)?)?$/.exec(value) ?? [];
  if (date) return [date.split("-").reverse().join("/"), time].filter(Boolean).join(" ");
  return /^\d+(\.\d+)?$/.test(value) ? number(Number(value)) : value;
}
