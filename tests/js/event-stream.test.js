import assert from "node:assert/strict";
import { test } from "node:test";

import { backoffMs, openStream } from "../../static/js/event-stream.js";

const event = (seq) => ({ seq, kind: "log_line", payload: {} });

// A browser whose clock, sockets and server the test holds in its hands.
class World {
  sockets = [];
  fetched = [];
  timers = [];
  links = [];
  events = [];
  states = [];
  time = 0;
  server = { events: [], state: { last_seq: 0, status: "running" } };
  isServerUp = true;

  constructor() {
    const world = this;
    this.Socket = class {
      readyState = 0;
      sent = [];
      constructor(url) {
        this.url = url;
        world.sockets.push(this);
      }
      send(text) {
        this.sent.push(JSON.parse(text));
      }
      close() {
        this.isClosed = true;
      }
    };
  }

  get outside() {
    return {
      Socket: this.Socket,
      fetch: async (url) => {
        this.fetched.push(url);
        if (!this.isServerUp) throw new TypeError("no network");
        const after = Number(new URL(url, "http://host").searchParams.get("after"));
        const events = this.server.events.filter((each) => each.seq > after).slice(0, 3);
        return { ok: true, json: async () => ({ events, state: this.server.state }) };
      },
      setTimeout: (action, ms) => {
        this.timers.push({ action, at: this.time + ms });
        return this.timers.at(-1);
      },
      clearTimeout: (timer) => {
        this.timers = this.timers.filter((each) => each !== timer);
      },
      now: () => this.time,
      random: () => 0.5,
    };
  }

  open() {
    return openStream({
      socketUrl: "ws://host/ws/jobs/1/",
      eventsUrl: "/jobs/1/events/",
      handlers: {
        onEvents: (events) => this.events.push(...events.map((each) => each.seq)),
        onState: (state) => this.states.push(state),
        onLink: (link) => this.links.push(link),
      },
      outside: this.outside,
    });
  }

  get socket() {
    return this.sockets.at(-1);
  }

  accept() {
    this.socket.readyState = 1;
    this.socket.onopen();
  }

  say(frame) {
    this.socket.onmessage({ data: JSON.stringify(frame) });
  }

  async pass(ms) {
    const until = this.time + ms;
    for (;;) {
      const next = this.timers.toSorted?.((a, b) => a.at - b.at)[0] ?? earliest(this.timers);
      if (!next || next.at > until) break;
      this.timers = this.timers.filter((each) => each !== next);
      this.time = next.at;
      next.action();
      await settled();
    }
    this.time = until;
    await settled();
  }
}

function earliest(timers) {
  return [...timers].sort((a, b) => a.at - b.at)[0];
}

async function settled() {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

test("a socket's events and state are handed on", () => {
  const world = new World();
  world.open();
  world.accept();

  world.say({ type: "events", events: [event(1), event(2)] });
  world.say({ type: "state", state: { status: "running" } });

  assert.deepEqual(world.events, [1, 2]);
  assert.equal(world.states[0].status, "running");
  assert.deepEqual(world.links, ["connecting", "live"]);
});

test("a lost socket is opened again after what was seen", async () => {
  const world = new World();
  world.open();
  world.accept();
  world.say({ type: "events", events: [event(1), event(2), event(3)] });

  world.socket.onclose({ code: 1006 });
  await world.pass(5_000);

  assert.equal(world.sockets.length, 2);
  assert.equal(world.socket.url, "ws://host/ws/jobs/1/?after=3");
});

test("what a reconnect sends twice is given once", async () => {
  const world = new World();
  world.open();
  world.accept();
  world.say({ type: "events", events: [event(1), event(2)] });
  world.socket.onclose({ code: 1006 });
  await world.pass(5_000);
  world.accept();

  world.say({ type: "events", events: [event(2), event(3)] });

  assert.deepEqual(world.events, [1, 2, 3]);
});

test("a gap is fetched over HTTP, page by page", async () => {
  const world = new World();
  world.server = {
    events: [1, 2, 3, 4, 5, 6, 7, 8].map(event),
    state: { last_seq: 8, status: "running" },
  };
  world.open();
  world.accept();

  world.say({ type: "events", events: [event(8)] });
  await settled();

  assert.deepEqual(world.events, [1, 2, 3, 4, 5, 6, 7, 8]);
});

test("where no socket holds the page polls", async () => {
  const world = new World();
  world.server = { events: [event(1)], state: { last_seq: 1, status: "running" } };
  world.open();

  for (let failure = 0; failure < 3; failure += 1) {
    world.socket.onclose({ code: 1006 });
    await world.pass(16_000);
  }

  assert.deepEqual(world.events, [1]);
  assert.ok(world.links.includes("polling"));
});

test("a socket that opens and dies each time does not keep the page from the log", async () => {
  const world = new World();
  world.server = { events: [event(1)], state: { last_seq: 1, status: "paused" } };
  world.open();

  for (let time = 0; time < 4; time += 1) {
    world.accept();
    world.socket.onclose({ code: 1006 });
    await world.pass(16_000);
  }

  assert.deepEqual(world.events, [1]);
  assert.equal(world.states.at(-1).status, "paused");
});

test("polling ends once a socket holds", async () => {
  const world = new World();
  world.open();
  world.socket.onclose({ code: 1006 });
  await world.pass(2_000);
  world.socket.onclose({ code: 1006 });
  await world.pass(4_000);
  world.accept();
  world.say({ type: "pong" });
  await world.pass(4_000);
  const before = world.fetched.length;

  for (let second = 0; second < 30; second += 1) {
    world.say({ type: "pong" });
    await world.pass(1_000);
  }

  assert.equal(world.fetched.length, before);
});

test("a half-open socket is noticed within twenty-five seconds", async () => {
  const world = new World();
  world.open();
  world.accept();

  await world.pass(25_000);

  assert.ok(world.links.includes("stale"));
  assert.ok(world.sockets[0].isClosed);
  assert.ok(world.sockets.length >= 2);
});

test("a socket that answers pings is left alone", async () => {
  const world = new World();
  world.open();
  world.accept();

  for (let second = 0; second < 60; second += 1) {
    world.say({ type: "pong" });
    await world.pass(1_000);
  }

  assert.equal(world.sockets.length, 1);
  assert.deepEqual(world.socket.sent[0], { type: "ping" });
});

for (const code of [4401, 4404]) {
  test(`a page that may not see the job stops asking, code ${code}`, async () => {
    const world = new World();
    world.open();
    world.accept();

    world.socket.onclose({ code });
    await world.pass(60_000);

    assert.equal(world.sockets.length, 1);
    assert.equal(world.links.at(-1), "closed");
  });
}

test("without a network the page says that it is stale", async () => {
  const world = new World();
  world.isServerUp = false;
  world.open();

  for (let failure = 0; failure < 2; failure += 1) {
    world.socket.onclose({ code: 1006 });
    await world.pass(3_000);
  }

  assert.ok(world.links.includes("stale"));
});

test("a closed stream is silent", async () => {
  const world = new World();
  const stream = world.open();
  world.accept();

  stream.close();
  await world.pass(60_000);

  assert.equal(world.sockets.length, 1);
  assert.deepEqual(world.timers, []);
});

test("waits grow, are spread, and have a ceiling", () => {
  assert.ok(backoffMs(1, () => 0) < backoffMs(3, () => 0));
  assert.notEqual(backoffMs(2, () => 0.1), backoffMs(2, () => 0.9));
  assert.ok(backoffMs(30, () => 1) <= 15_000);
});
