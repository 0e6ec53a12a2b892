"use strict";
// Lines above the desk: what went wrong here, and what the server says of itself.

const HEALTH_EVERY = 15000;

const notices = new Map();
let knownVersion;

// `technical` are the server's own sentences, folded away.
function warn(text, kind = "stream", isGrave = false, technical = []) {
  if (text) notices.set(kind, { text, isGrave, technical });
  else notices.delete(kind);
  showNotices();
}

function showNotices() {
  const all = [...notices.values()];
  const show = (id, text) => { if (find(id).textContent !== text) find(id).textContent = text; };
  const technical = all.flatMap((notice) => notice.technical).join("\n");
  show("notice-text", all.map((notice) => notice.text).join(" "));
  show("technical-text", technical);
  find("technical").hidden = !technical;
  find("notice").hidden = !all.length;
  find("notice").classList.toggle("grave", all.some((notice) => notice.isGrave));
}

// What it was is not what it is: asked again once connected.
function forgetHealth() {
  for (const kind of ["health", "dry-run", "end"]) warn("", kind);
}

// A quiet list may mean a quiet market or a dead feed; the server knows which.
async function checkHealth() {
  if (!link.isReady) return;
  let health;
  try {
    const answer = await fetch("health", { cache: "no-store", credentials: "omit" });
    health = await answer.json();
  } catch {
    return; // the connection's own state says the rest
  }
  knownVersion ??= health.version;
  if (health.version !== knownVersion) {
    warn(t("upgraded"), "version");
    find("reload").hidden = false;
  }
  const reasons = Array.isArray(health.reasons) ? health.reasons.map(String) : [];
  const isFailing = health.status !== "ok";
  const worded = [...new Set(reasons.map(wordReason))].join("; ");
  const lead = t(isFailing ? "failing" : "advises");
  warn(worded || isFailing ? `${lead} ${worded}${worded ? "." : ""}` : "", "health", isFailing, reasons);
  warn(health.dry_run ? t("dry_run") : "", "dry-run");
  warn(health.feed === "ended" ? t("ended") : "", "end");
}
