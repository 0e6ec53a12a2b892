"use strict";
// The connection: authenticates, resumes where it was left, notices silence, comes back.

const FIRST_RETRY = 500;
const LAST_RETRY = 10000;
const OPEN_LIMIT = 8000;
const BEAT = 10000;
const SILENCE = 10000;
const ACK_DELAY = 250;
const HISTORY = 1000; // messages asked for when the page is opened
const REFUSED = 4401;

class Link {
  #token = null;
  #socket = null;
  #epoch = null;
  #seq = 0; // everything up to here has been shown
  #next = null; // number that must come; null when the server decides where to begin
  #head = 0; // newest number when the server welcomed us: what came later is live
  #since = 0; // where the history asked for at first begins
  #phase = "closed";
  #details = {};
  #retry = FIRST_RETRY;
  #retryTimer = 0;
  #retryAt = 0;
  #openTimer = 0;
  #beatAt = 0;
  #ackTimer = 0;
  #heard = 0;
  #asked = [];
  #on;

  // `on` has: state(name, details), message(message), acknowledged(seq),
  // bars(answer), status(frame), acted(frame), trip(milliseconds), beat().
  constructor(on) {
    this.#on = on;
    setInterval(() => this.#tick(), 500);
    addEventListener("online", () => this.retryNow());
  }

  get seq() { return this.#seq; }
  get epoch() { return this.#epoch; }
  get isReady() { return this.#phase === "catching" || this.#phase === "live"; }

  open(token) {
    this.#token = token;
    this.#retry = FIRST_RETRY;
    this.#connect();
  }

  retryNow() {
    if (this.#phase === "waiting") this.#connect();
  }

  send(message) {
    if (!this.isReady || this.#socket.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  // Answers come in the order of the questions.
  ask(symbol, timeframe) {
    if (this.send({ type: "bars", symbol, timeframe })) this.#asked.push(performance.now());
  }

  #connect() {
    this.#drop();
    const url = new URL("alertas", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    url.hash = "";
    url.search = this.#epoch === null ? "" : new URLSearchParams({ epoch: this.#epoch, since: this.#seq });
    const socket = new WebSocket(url);
    this.#socket = socket;
    this.#enter("connecting");
    this.#openTimer = setTimeout(() => this.#lost(), OPEN_LIMIT);
    socket.onopen = () => socket.send(JSON.stringify({ type: "auth", token: this.#token }));
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = (event) => this.#closed(event);
  }

  // Closing waits for the peer; a socket given up is no longer listened to.
  #drop() {
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#openTimer);
    clearTimeout(this.#ackTimer);
    this.#ackTimer = 0;
    this.#asked = [];
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #closed(event) {
    const expired = event.reason === "token expired";
    if (event.code === REFUSED && (expired || event.reason === "wrong first message")) {
      this.#token = null;
      this.#drop();
      this.#enter("refused", { expired });
    } else {
      this.#lost(event);
    }
  }

  #lost(event = null) {
    this.#drop();
    if (event?.code === 1008) this.#retry = LAST_RETRY;
    const wait = this.#retry * (0.5 + Math.random() / 2);
    this.#retry = Math.min(2 * this.#retry, LAST_RETRY);
    this.#retryAt = performance.now() + wait;
    this.#retryTimer = setTimeout(() => this.#connect(), wait);
    this.#enter("waiting", { code: event?.code ?? 0, reason: event?.reason ?? "" });
  }

  #enter(phase, details = {}) {
    this.#phase = phase;
    this.#details = details;
    this.#on.state(phase, { ...details, seconds: this.#secondsLeft() });
  }

  #secondsLeft() {
    return Math.max(1, Math.ceil((this.#retryAt - performance.now()) / 1000));
  }

  #receive(text) {
    this.#heard = performance.now();
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      return; // nothing of this protocol
    }
    switch (frame?.type) {
      case "welcome": return this.#welcomed(frame);
      case "alert":
      case "correction": return this.#take(frame);
      case "bars": return this.#answered(frame);
      case "status": return this.#on.status(frame);
      case "action": return this.#on.acted(frame);
    }
  }

  #welcomed({ epoch, seq, recovered }) {
    clearTimeout(this.#openTimer);
    this.#head = seq;
    if (this.#epoch === null && this.#phase === "connecting") {
      // New here: ask for the recent past. Nothing counts until that is answered.
      this.#phase = "joining";
      this.#since = Math.max(0, seq - HISTORY);
      this.#socket.send(JSON.stringify({ type: "resume", epoch, since: this.#since }));
      return;
    }
    if (this.#phase === "joining") {
      this.#seq = recovered ? this.#since : 0;
    } else if (!recovered && (epoch !== this.#epoch || seq < this.#seq)) {
      this.#seq = 0; // another database, or this one restored from a copy
    }
    this.#epoch = epoch;
    this.#next = recovered ? this.#seq + 1 : null;
    this.#retry = FIRST_RETRY;
    this.#beatAt = performance.now() + BEAT;
    this.#enter("catching", { head: seq });
    this.#settle();
  }

  #settle() {
    if (this.#phase === "catching" && this.#seq >= this.#head) this.#enter("live");
  }

  #take(frame) {
    const { type, epoch, seq, sent_at: sentAt } = frame;
    const data = frame[type];
    if (!this.isReady) return;
    const isInStep = epoch === this.#epoch && Number.isInteger(seq) && typeof data === "object"
      && data !== null && (this.#next === null || seq === this.#next);
    if (!isInStep) {
      this.#lost(); // never with a sound server; a fresh resume puts it right
      return;
    }
    const missed = this.#next === null && this.#seq ? Math.max(0, seq - this.#seq - 1) : 0;
    this.#next = seq + 1;
    if (seq > this.#seq) {
      this.#seq = seq;
      const isLive = seq > this.#head;
      this.#on.message({
        kind: type, seq, sentAt, data, missed, isLive, remaining: this.#head - seq,
      });
      this.#ackTimer ||= setTimeout(() => this.#acknowledge(), ACK_DELAY);
    }
    this.#settle();
  }

  #acknowledge() {
    this.#ackTimer = 0;
    if (this.send({ type: "ack", seq: this.#seq })) this.#on.acknowledged(this.#seq);
  }

  #answered(frame) {
    const asked = this.#asked.shift();
    if (asked !== undefined) this.#on.trip(performance.now() - asked);
    this.#on.bars(frame);
  }

  #tick() {
    if (this.#phase === "waiting") {
      this.#on.state("waiting", { ...this.#details, seconds: this.#secondsLeft() });
    }
    if (!this.isReady) return;
    const now = performance.now();
    if (this.#phase === "catching" && now - this.#heard > 2000) this.#enter("live"); // nothing retained
    const oldest = this.#asked[0];
    if (oldest !== undefined && now - Math.max(oldest, this.#heard) > SILENCE) {
      this.#lost();
    } else if (now >= this.#beatAt) {
      this.#beatAt = now + BEAT;
      this.#on.beat();
    }
  }
}
