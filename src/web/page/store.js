// The browser's storage, which a policy may have switched off: then things are kept until the page is left.

const memory = new Map();

function attempt(action, otherwise) {
  try {
    return action();
  } catch {
    return otherwise;
  }
}

export function read(key) {
  return (
    attempt(() => sessionStorage.getItem(key), null) ?? attempt(() => localStorage.getItem(key), null) ?? memory.get(key) ?? null
  );
}

// `long`: also after the browser is closed.
export function keep(key, value, long) {
  drop(key);
  memory.set(key, value);
  attempt(() => (long ? localStorage : sessionStorage).setItem(key, value));
}

export function drop(key) {
  memory.delete(key);
  attempt(() => sessionStorage.removeItem(key));
  attempt(() => localStorage.removeItem(key));
}
