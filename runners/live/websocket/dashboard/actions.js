"use strict";
// What the trader did about alerts: sent, sent again if the connection broke first, remembered.
// Kept in the tab's session storage, so that reloading does not forget it; the token never is.

const REMEMBERED = 500;
const STORAGE_KEY = "alertas.actions";

class Actions {
  #link;
  #changed;
  #taken = new Map();
  #untold = new Map(); // by alert: actions sent on this connection, not told of yet, in order

  // `changed(id, taken)` is called whenever one's state changes.
  constructor(link, changed) {
    this.#link = link;
    this.#changed = changed;
    this.#load();
  }

  [Symbol.iterator]() { return this.#taken[Symbol.iterator](); }

  get(id) { return this.#taken.get(id); }

  take(alert, action, note) {
    const taken = {
      action, note, at: market.now(), state: "waiting",
    };
    this.#taken.delete(alert.id);
    this.#taken.set(alert.id, taken);
    if (this.#taken.size > REMEMBERED) this.#taken.delete(this.#taken.keys().next().value);
    this.#send(alert.id, taken);
  }

  // The connection is back: send what the server has not confirmed.
  flush() {
    for (const [id, taken] of this.#taken) if (taken.state !== "received") this.#send(id, taken);
  }

  lost() {
    this.#untold.clear();
    for (const [id, taken] of this.#taken) if (taken.state === "sent") this.#set(id, taken, "waiting");
  }

  // The server tells of an action only once it has written it down; of several that were written
  // while it brought us up to date, of the newest alone.
  confirm({ id, action }) {
    const untold = this.#untold.get(id);
    if (!untold?.includes(action)) return;
    untold.splice(0, untold.indexOf(action) + 1);
    if (untold.length) return; // changed meanwhile
    this.#untold.delete(id);
    if (this.#taken.has(id)) this.#set(id, this.#taken.get(id), "received");
  }

  forget() {
    this.#taken.clear();
    this.#save();
  }

  #send(id, taken) {
    const message = { type: "action", id, action: taken.action };
    if (taken.note) message.note = taken.note;
    const isSent = this.#link.send(message);
    if (isSent) this.#untold.set(id, [...(this.#untold.get(id) ?? []), taken.action]);
    this.#set(id, taken, isSent ? "sent" : "waiting");
  }

  #set(id, taken, state) {
    taken.state = state;
    this.#save();
    this.#changed(id, taken);
  }

  #load() {
    try {
      for (const [id, taken] of JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? "[]")) {
        if (ACTIONS.includes(taken.action)) this.#taken.set(id, taken);
      }
    } catch {
      this.#taken.clear(); // storage is off, or holds something else: nothing is remembered
    }
  }

  #save() {
    try {
      sessionStorage.setItem(STORAGE_KEY, JSON.stringify([...this.#taken]));
    } catch {
      // Storage is off or full: remembered until the page is reloaded.
    }
  }
}
