// What a screen reader is told of a run: its important moments at once, progress at most every ten seconds.

const PAUSE = 10_000;
let waiting;
let last = 0;

function say(text) {
  last = Date.now();
  document.getElementById("spoken").textContent = text;
}

export function speak(text) {
  clearTimeout(waiting);
  waiting = undefined;
  say(text);
}

// `text` is a function: what is said is how things are when it is said.
export function speakProgress(text) {
  if (waiting !== undefined) return;
  waiting = setTimeout(
    () => {
      waiting = undefined;
      const now = text();
      if (now) say(now);
    },
    Math.max(0, last + PAUSE - Date.now()),
  );
}
