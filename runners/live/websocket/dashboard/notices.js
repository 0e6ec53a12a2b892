"use strict";
// Lines above the desk: what went wrong here, and what the server says of itself.

const HEALTH_EVERY = 15000;
const REASONS = {
  feed: "dados de mercado", store: "banco de dados", email: "e-mail",
  websocket: "conexões", detector: "detector",
};

const notices = new Map();
let knownVersion;
function warn(text, kind = "stream", isGrave = false) {
  if (text) notices.set(kind, { text, isGrave });
  else notices.delete(kind);
  showNotices();
}

function showNotices() {
  const box = find("notice");
  const text = [...notices.values()].map((notice) => notice.text).join(" ");
  if (box.textContent !== text) box.textContent = text;
  box.hidden = !text;
  box.classList.toggle("grave", [...notices.values()].some((notice) => notice.isGrave));
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
    warn("O servidor foi atualizado; recarregue esta página.", "version");
    find("reload").hidden = false;
  }
  if (quietStream === null) showQuietStream(Object.keys(health.last_bars ?? {}));
  const reasons = Array.isArray(health.reasons) ? health.reasons : [];
  const isFailing = health.status !== "ok";
  const texts = reasons.map((reason) => {
    const [, kind, rest] = /^(\w+): (.*)$/s.exec(reason) ?? [];
    return kind === undefined ? reason : `${label(REASONS, kind)}: ${rest}`;
  });
  const lead = isFailing ? "O servidor não está bem: novos alertas podem não sair." : "O servidor avisa:";
  warn(texts.length || isFailing ? `${lead} ${texts.join("; ")}` : "", "health", isFailing);
  warn(health.dry_run ? "Simulação: o servidor está em modo de teste." : "", "dry-run");
  warn(health.feed === "ended" ? "O replay terminou; não virão outros alertas." : "", "end");
}

// The health report names streams as "SYMBOL TIMEFRAME".
function showQuietStream([name]) {
  const found = /^(.+) (\S+)$/.exec(name ?? "");
  if (found === null) return;
  quietStream = { symbol: found[1], timeframe: found[2] };
  if (cards.selected === null) askBars();
}
