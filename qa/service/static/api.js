// Requests to our own server, with the reader's key if there is one, and the events of a stream.

const STORED = "qa.key"; // in the tab's own storage: gone when the tab is closed
const STREAM_BROKE = "The connection ended before the answer was whole.";

/** What went wrong, in words for the reader. */
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
    return ""; // a frame may not be allowed to store anything
  }
}

/** Use a key from now on, or none. */
export function useKey(value) {
  key = value;
  try {
    if (value) sessionStorage.setItem(STORED, value);
    else sessionStorage.removeItem(STORED);
  } catch {
    // kept in memory only
  }
}

/** Name what asks the reader for a key; it resolves to whether there is one to try again with. */
export function onKeyNeeded(asker) {
  askForKey = asker;
}

/** Send a request and return its response. Throws Failure with what the server said. */
export async function call(path, options = {}) {
  const response = await send(path, options);
  if (response.ok) return response;
  const failure = await told(response);
  if (response.status === 401 && (await askForKey(failure.message))) return call(path, options);
  throw failure;
}

/** Send a JSON body. */
export function post(path, body, options = {}) {
  const headers = { "Content-Type": "application/json" };
  return call(path, { method: "POST", headers, body: JSON.stringify(body), ...options });
}

async function send(path, options) {
  const headers = new Headers(options.headers);
  // Headers are bytes, and a key is UTF-8.
  if (key) headers.set("Authorization", `Bearer ${String.fromCharCode(...new TextEncoder().encode(key))}`);
  try {
    return await fetch(path, { cache: "no-store", ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure("The server cannot be reached. Is it running?");
  }
}

async function told(response) {
  const body = await response.json().catch(() => null);
  const message = body?.error?.message ?? `The server answered ${response.status}.`;
  const wait = response.headers.get("Retry-After");
  return new Failure(wait ? `${message} (again in ${wait} s)` : message, response.status);
}

/** What the caller may do: {key_needed, scopes}. */
export async function rights() {
  return (await call("/page/rights")).json();
}

/** Yield {name, data} for each event. Throws Failure when the stream breaks off. */
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

/** Ask, and hand each event to the view until the answer is whole. Throws Failure. */
export async function askStreaming(body, view, signal) {
  const response = await post("/v1/ask", { ...body, stream: true }, { signal });
  let whole = null;
  for await (const { name, data } of events(response)) {
    if (name === "error") throw new Failure(data.error?.message ?? STREAM_BROKE);
    if (name === "answer") whole = data;
    else view[name]?.(data);
  }
  if (!whole) throw new Failure(STREAM_BROKE);
  return whole;
}
