import assert from "node:assert/strict";
import { test } from "node:test";

import { emptyLog, receive } from "../../static/js/event-log.js";

const event = (seq) => ({ seq, kind: "log_line", payload: { text: `line ${seq}` } });
const seqs = (events) => events.map((each) => each.seq);

// A small generator of its own: the same frames in each run, as Park and Miller draw them.
function draws(seed) {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

test("events in order pass through", () => {
  const { log, fresh, hasGap } = receive(emptyLog(), [event(1), event(2)]);

  assert.deepEqual(seqs(fresh), [1, 2]);
  assert.equal(log.lastSeq, 2);
  assert.equal(hasGap, false);
});

test("what was seen before is not given again", () => {
  const first = receive(emptyLog(), [event(1), event(2)]);

  const second = receive(first.log, [event(2), event(3), event(3)]);

  assert.deepEqual(seqs(second.fresh), [3]);
});

test("an event past a gap waits for what is missing", () => {
  const early = receive(emptyLog(), [event(3)]);
  assert.deepEqual(seqs(early.fresh), []);
  assert.equal(early.hasGap, true);

  const late = receive(early.log, [event(1), event(2)]);

  assert.deepEqual(seqs(late.fresh), [1, 2, 3]);
  assert.equal(late.hasGap, false);
});

test("a page that came late starts after what it was given", () => {
  const { fresh } = receive(emptyLog(40), [event(39), event(40), event(41)]);

  assert.deepEqual(seqs(fresh), [41]);
});

test("the log it was given stays as it was", () => {
  const before = emptyLog();

  receive(before, [event(2)]);

  assert.equal(before.waiting.size, 0);
});

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
  test(`frames dropped, doubled and out of order give the server's log, seed ${seed}`, () => {
    const random = draws(seed);
    const server = Array.from({ length: 200 }, (_, index) => event(index + 1));
    let log = emptyLog();
    const seen = [];
    const take = (batch) => {
      const received = receive(log, batch);
      log = received.log;
      seen.push(...received.fresh);
      return received.hasGap;
    };

    for (let at = 0; at < server.length; at += 7) {
      const batch = server.slice(at, at + 7);
      batch.sort(() => random() - 0.5);
      if (random() < 0.3) continue; // dropped
      const hasGap = take(batch);
      if (random() < 0.4) take(batch); // doubled
      if (hasGap) take(server.slice(log.lastSeq, log.lastSeq + 50)); // fetched over HTTP
    }
    take(server.slice(log.lastSeq)); // what the next connection sends

    assert.deepEqual(seqs(seen), seqs(server));
  });
}
