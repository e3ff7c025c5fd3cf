// A job's events as they come: over a socket, by polling where no socket holds, each once.

import { emptyLog, receive } from "./event-log.js";

const PING_EVERY_MS = 8_000;
const SILENT_AFTER_MS = 16_000; // a socket can be half open: no word, and no close event either
const POLL_EVERY_MS = 3_000;
const FAILURES_BEFORE_POLLING = 2;
const OPEN = 1; // of a WebSocket's states
const LOST = 1006;
const FORBIDDEN = new Set([4401, 4404]);

// How long to wait before the nth try: doubled each time, spread so that tabs do not march in step.
export function backoffMs(failures, random = Math.random) {
  const ceiling = Math.min(15_000, 500 * 2 ** failures);
  return ceiling / 2 + (random() * ceiling) / 2;
}

// `handlers`: onEvents(events), onState(state), onLink("connecting"|"live"|"polling"|"stale"|"closed").
// `outside`: the browser, or what a test puts in its place.
export function openStream({ socketUrl, eventsUrl, handlers, outside = browser() }) {
  const stream = new EventStream(socketUrl, eventsUrl, handlers, outside);
  stream.start();
  return stream;
}

class EventStream {
  #log = emptyLog();
  #socket = null;
  #failures = 0;
  #heardAt = 0;
  #isOver = false;
  #isFetching = false;
  #isPolling = false; // until a socket brings something
  #timers = new Set();

  constructor(socketUrl, eventsUrl, handlers, outside) {
    Object.assign(this, { socketUrl, eventsUrl, handlers, outside });
  }

  start() {
    this.handlers.onLink("connecting");
    this.#connect();
  }

  close() {
    this.#isOver = true;
    for (const timer of this.#timers) this.outside.clearTimeout(timer);
    this.#socket?.close();
  }

  #connect() {
    const socket = new this.outside.Socket(`${this.socketUrl}?after=${this.#log.lastSeq}`);
    this.#socket = socket;
    socket.onopen = () => {
      this.#heardAt = this.outside.now();
      this.handlers.onLink("live");
      this.#watch(socket);
    };
    socket.onmessage = (message) => this.#hear(JSON.parse(message.data));
    socket.onclose = ({ code }) => this.#lose(socket, code);
  }

  #hear(frame) {
    this.#failures = 0; // not before: a socket may open and die on what it is sent, again and again
    this.#heardAt = this.outside.now();
    if (frame.type === "events") this.#take(frame.events);
    if (frame.type === "state") this.handlers.onState(frame.state);
  }

  #take(events) {
    const { log, fresh, hasGap } = receive(this.#log, events);
    this.#log = log;
    if (fresh.length) this.handlers.onEvents(fresh);
    if (hasGap) this.#catchUp();
  }

  #lose(socket, code) {
    if (this.#socket !== socket || this.#isOver) return;
    this.#socket = null;
    if (FORBIDDEN.has(code)) {
      this.handlers.onLink("closed");
      return;
    }
    this.#failures += 1;
    if (this.#failures < FAILURES_BEFORE_POLLING) this.handlers.onLink("connecting");
    if (this.#failures >= FAILURES_BEFORE_POLLING && !this.#isPolling) this.#poll();
    this.#later(() => this.#connect(), backoffMs(this.#failures, this.outside.random));
  }

  // Sends pings and notices when nothing comes back.
  #watch(socket) {
    if (this.#socket !== socket) return;
    if (this.outside.now() - this.#heardAt > SILENT_AFTER_MS) {
      this.handlers.onLink("stale");
      this.#lose(socket, LOST);
      socket.close();
      return;
    }
    socket.send(JSON.stringify({ type: "ping" }));
    this.#later(() => this.#watch(socket), PING_EVERY_MS);
  }

  #poll() {
    this.#isPolling = !this.#isLive || this.#failures > 0;
    if (!this.#isPolling) return;
    this.#catchUp();
    this.#later(() => this.#poll(), POLL_EVERY_MS);
  }

  // Fetches over HTTP all that is missing.
  async #catchUp() {
    if (this.#isFetching) return;
    this.#isFetching = true;
    try {
      while (await this.#fetchPage());
      if (!this.#isLive) this.handlers.onLink("polling");
    } catch {
      if (!this.#isLive) this.handlers.onLink("stale");
    } finally {
      this.#isFetching = false;
    }
  }

  // Returns whether there is more.
  async #fetchPage() {
    const answer = await this.outside.fetch(`${this.eventsUrl}?after=${this.#log.lastSeq}`);
    if (!answer.ok) throw new Error(`the log answered ${answer.status}`);
    const { events, state } = await answer.json();
    if (this.#isOver) return false;
    this.#take(events);
    this.handlers.onState(state);
    return events.length > 0 && this.#log.lastSeq < state.last_seq;
  }

  #later(action, ms) {
    const timer = this.outside.setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#isOver) action();
    }, ms);
    this.#timers.add(timer);
  }

  get #isLive() {
    return this.#socket?.readyState === OPEN;
  }
}

function browser() {
  return {
    Socket: globalThis.WebSocket,
    fetch: (url) => fetch(url, { headers: { Accept: "application/json" } }),
    setTimeout: (action, ms) => setTimeout(action, ms),
    clearTimeout: (timer) => clearTimeout(timer),
    now: () => performance.now(),
    random: Math.random,
  };
}
