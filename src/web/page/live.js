// Events of the service as they happen. EventSource cannot send a token, so the stream is read with fetch.

import { headers, refusalOf } from "./api.js";

const SILENCE = 45_000; // The service sends a line at least every 15 s.
// A browser keeps six connections to one place, so tabs that nobody sees only look in from time to time.
const GLANCE = 2_000;
const UNSEEN_PAUSE = 20_000;
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 30_000;

// Takes text in pieces cut anywhere, gives whole events `{event, data, id}`.
export function parser(take) {
  let rest = "";
  let data = [];
  let event = "";
  let id;
  function line(text) {
    if (text === "") {
      if (data.length) take({ event: event || "message", data: data.join("\n"), id });
      data = [];
      event = "";
      return;
    }
    const colon = text.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? "" : text.slice(colon + 1).replace(/^ /, "");
    if (field === "data") data.push(value);
    else if (field === "event") event = value;
    else if (field === "id") id = value;
  }
  return (piece) => {
    rest += piece;
    // A carriage return at the very end may be half of a line's end.
    const ends = /\r\n|\n|\r(?!$)/g;
    let from = 0;
    for (let end = ends.exec(rest); end; end = ends.exec(rest)) {
      line(rest.slice(from, end.index));
      from = ends.lastIndex;
    }
    rest = rest.slice(from);
  };
}

// Follows `path` until `close()`, or until the service says that there is nothing more to come. `take(event, value)` gets
// each event's JSON; `tell("live" | "lost" | "refused", detail)` how the connection is.
export function follow(path, { take, tell }) {
  let closed = false;
  let ended = false;
  let pause = FIRST_PAUSE;
  let seen;
  let attempt = new AbortController();
  let wake = () => {};
  let looked = () => {};
  let resting = false;

  async function read() {
    attempt = new AbortController();
    let watch;
    const quiet = () => {
      resting = document.hidden;
      attempt.abort();
    };
    let glancing = false;
    const alive = () => {
      // However much comes, a glance is short.
      if (document.hidden && glancing) return;
      glancing = document.hidden;
      clearTimeout(watch);
      watch = setTimeout(quiet, glancing ? GLANCE : SILENCE);
    };
    looked = alive;
    alive();
    try {
      const more = { Accept: "text/event-stream", ...(seen === undefined ? {} : { "Last-Event-ID": seen }) };
      const response = await fetch(path, { headers: headers(more), signal: attempt.signal, cache: "no-store" });
      if (!response.ok) {
        const refusal = await refusalOf(response);
        if (response.status >= 400 && response.status < 500 && response.status !== 429) return refusal;
        throw refusal;
      }
      tell("live");
      if (response.status === 204) ended = true;
      if (ended) return null;
      pause = FIRST_PAUSE;
      const feed = parser(({ event, data, id }) => {
        if (id !== undefined) seen = id;
        if (event === "end") ended = true;
        else take(event, JSON.parse(data));
      });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
        alive();
        feed(piece.value);
      }
    } finally {
      clearTimeout(watch);
    }
    return null;
  }

  async function keepReading() {
    while (!closed) {
      try {
        const refusal = await read();
        if (refusal) return tell("refused", refusal);
      } catch (failure) {
        // An event that cannot be read is a fault of ours; a connection that ends is not.
        if (failure instanceof SyntaxError) console.error(failure);
      }
      if (closed || ended) return undefined;
      // A little by chance, so that after a restart not all pages come in the same moment.
      const wait = resting ? UNSEEN_PAUSE : pause * (0.8 + Math.random() * 0.4);
      if (!resting) tell("lost", { retry: () => wake() });
      await new Promise((resolve) => {
        wake = resolve;
        setTimeout(resolve, wait);
      });
      pause = resting ? FIRST_PAUSE : Math.min(pause * 2, LONGEST_PAUSE);
      resting = false;
    }
    return undefined;
  }

  const online = () => wake();
  const seenOrNot = () => {
    looked();
    if (!document.hidden) wake();
  };
  window.addEventListener("online", online);
  document.addEventListener("visibilitychange", seenOrNot);
  keepReading();
  return {
    close() {
      closed = true;
      window.removeEventListener("online", online);
      document.removeEventListener("visibilitychange", seenOrNot);
      attempt.abort();
      wake();
    },
  };
}
