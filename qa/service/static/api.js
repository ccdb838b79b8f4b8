// HTTP requests to our own server, with the reader's API key if set, and parsing of event streams.

const STORED = "qa.key"; // in sessionStorage, which the browser clears when the tab is closed
const STREAM_BROKE = "The connection ended before the answer was whole.";

/** An error with a message for the reader. */
export class Failure extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

let key = stored();
let askForKey = async () => false;

function stored() {
  try {
    return sessionStorage.getItem(STORED) ?? "";
  } catch {
    return ""; // an embedded frame may be denied storage
  }
}

/** Set the API key for later requests; empty for none. */
export function useKey(value) {
  key = value;
  try {
    if (value) sessionStorage.setItem(STORED, value);
    else sessionStorage.removeItem(STORED);
  } catch {
    // kept in memory only
  }
}

/** Set the function that asks the reader for a key; it resolves to true if there is a new key to retry with. */
export function onKeyNeeded(asker) {
  askForKey = asker;
}

/** Send a request and return its response. Throws Failure with the server's error message. */
export async function call(path, options = {}) {
  const response = await send(path, options);
  if (response.ok) return response;
  const failure = await failureOf(response);
  if (response.status === 401 && (await askForKey(failure.message))) return call(path, options);
  throw failure;
}

/** Post a JSON body. */
export function post(path, body, options = {}) {
  const headers = { "Content-Type": "application/json" };
  return call(path, { method: "POST", headers, body: JSON.stringify(body), ...options });
}

async function send(path, options) {
  const headers = new Headers(options.headers);
  // Header values are bytes: encode the key as UTF-8, one character per byte.
  if (key) headers.set("Authorization", `Bearer ${String.fromCharCode(...new TextEncoder().encode(key))}`);
  try {
    return await fetch(path, { cache: "no-store", ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure("The server cannot be reached. Is it running?");
  }
}

async function failureOf(response) {
  const body = await response.json().catch(() => null);
  const message = body?.error?.message ?? `The server answered ${response.status}.`;
  const wait = response.headers.get("Retry-After");
  return new Failure(wait ? `${message} (again in ${wait} s)` : message, response.status);
}

/** Return the caller's rights: {key_needed, scopes}. */
export async function rights() {
  return (await call("/page/rights")).json();
}

/** Yield {name, data} for each event. Throws Failure if the stream breaks off. */
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const event = parse(block);
        if (event) yield event;
      }
    }
  } catch (error) {
    if (error instanceof Failure || error.name === "AbortError") throw error;
    throw new Failure(STREAM_BROKE);
  } finally {
    reader.cancel().catch(() => {});
  }
}

function parse(block) {
  let name = "message";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) name = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5));
  }
  return data.length ? { name, data: JSON.parse(data.join("\n")) } : null;
}

/** Ask a question and pass each event to the view; returns the complete answer. Throws Failure. */
export async function askStreaming(body, view, signal) {
  const response = await post("/v1/ask", { ...body, stream: true }, { signal });
  let answer = null;
  for await (const { name, data } of events(response)) {
    if (name === "error") throw new Failure(data.error?.message ?? STREAM_BROKE);
    if (name === "answer") answer = data;
    else view[name]?.(data);
  }
  if (!answer) throw new Failure(STREAM_BROKE);
  return answer;
}
