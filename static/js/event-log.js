// The log as this page has it: each event once, in order, whatever the network did to the frames.

export function emptyLog(lastSeq = 0) {
  return { lastSeq, waiting: new Map() };
}

// Takes a batch. Returns the log after it, the events that are new and now in order, and whether
// one before them is missing.
export function receive(log, batch) {
  const waiting = new Map(log.waiting);
  for (const event of batch) {
    if (event.seq > log.lastSeq) waiting.set(event.seq, event);
  }
  const fresh = [];
  let lastSeq = log.lastSeq;
  while (waiting.has(lastSeq + 1)) {
    lastSeq += 1;
    fresh.push(waiting.get(lastSeq));
    waiting.delete(lastSeq);
  }
  return { log: { lastSeq, waiting }, fresh, hasGap: waiting.size > 0 };
}
