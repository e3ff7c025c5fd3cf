// A job's events as they come: over a socket, by polling where no socket holds, each once.

import { emptyLog, receive } from "./event-log.js";

const PING_EVERY_MS = 8_000;
const SILENT_AFTER_MS = 16_000; // a socket can be half open: no word, and no close event either
const POLL_EVERY_MS = 3_000;
const FAILURES_BEFORE_POLLING = 2;
const FORBIDDEN = new Set([4401, 4404]);

// How long to wait before the nth try: doubled each time, spread so that tabs do not march in step.
export function backoffMs(failures, random = Math.random) {
  const ceiling = Math.min(15_000, 500 * 2 ** failures);
  return ceiling / 2 + (random() * ceiling) / 2;
}

// `handlers`: onEvents(events), onState(state), onLink("connecting"|"live"|"polling"|"stale"|"closed").
// `outside`: what a test replaces: Socket, fetch, setTimeout, clearTimeout, now, random.
export function openStream({ socketUrl, eventsUrl, handlers, outside = browser() }) {
  let log = emptyLog();
  let socket = null;
  let failures = 0;
  let heardAt = outside.now();
  let isClosed = false;
  let isFetching = false;
  const timers = new Set();

  const later = (action, ms) => {
    const timer = outside.setTimeout(() => {
      timers.delete(timer);
      if (!isClosed) action();
    }, ms);
    timers.add(timer);
  };

  const take = (events) => {
    const received = receive(log, events);
    log = received.log;
    if (received.fresh.length) handlers.onEvents(received.fresh);
    if (received.hasGap) catchUp();
  };

  const catchUp = async () => {
    if (isFetching) return;
    isFetching = true;
    try {
      let answer = await outside.fetch(`${eventsUrl}?after=${log.lastSeq}`);
      while (answer.ok && !isClosed) {
        const { events, state } = await answer.json();
        handlers.onState(state);
        take(events);
        if (!events.length || log.lastSeq >= state.last_seq) break;
        answer = await outside.fetch(`${eventsUrl}?after=${log.lastSeq}`);
      }
      if (!answer.ok) return;
      heardAt = outside.now();
      if (!socket) handlers.onLink("polling");
    } catch {
      if (!socket) handlers.onLink("stale");
    } finally {
      isFetching = false;
    }
  };

  const poll = () => {
    if (socket?.readyState === 1) return;
    catchUp();
    later(poll, POLL_EVERY_MS);
  };

  const connect = () => {
    const mine = new outside.Socket(`${socketUrl}?after=${log.lastSeq}`);
    socket = mine;
    mine.onopen = () => {
      failures = 0;
      heardAt = outside.now();
      handlers.onLink("live");
      watch(mine);
    };
    mine.onmessage = (message) => {
      heardAt = outside.now();
      const frame = JSON.parse(message.data);
      if (frame.type === "events") take(frame.events);
      if (frame.type === "state") handlers.onState(frame.state);
    };
    mine.onclose = (event) => {
      if (socket !== mine || isClosed) return;
      socket = null;
      if (FORBIDDEN.has(event.code)) return handlers.onLink("closed");
      failures += 1;
      handlers.onLink(failures > FAILURES_BEFORE_POLLING ? "polling" : "connecting");
      if (failures === FAILURES_BEFORE_POLLING) poll();
      later(connect, backoffMs(failures, outside.random));
    };
  };

  const watch = (mine) => {
    if (socket !== mine) return;
    if (outside.now() - heardAt > SILENT_AFTER_MS) {
      handlers.onLink("stale");
      mine.onclose({ code: 1006 });
      mine.close();
      return;
    }
    mine.send(JSON.stringify({ type: "ping" }));
    later(() => watch(mine), PING_EVERY_MS);
  };

  handlers.onLink("connecting");
  connect();
  return {
    close() {
      isClosed = true;
      for (const timer of timers) outside.clearTimeout(timer);
      socket?.close();
    },
  };
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
