// Run the code with which a frontend reads our streams and print its events: one JSON object per line.
//
//     node frontends.mjs CLIENT '{"url": ..., "slow_url": ..., "key": ..., "question": ...}'

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const [name, given] = process.argv.slice(2);
const at = JSON.parse(given);
const HOLD_MS = 2000; // how long a client lives on after it cancelled, so that its end does not do the cancelling
const messages = [{ role: "user", content: at.question }];
const say = (kind, data = {}) => process.stdout.write(JSON.stringify({ kind, ...data }) + "\n");

function version(name, path = `node_modules/${name}/package.json`) {
  say("version", { name, version: JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")).version });
}

async function continueDev() {
  const { constructLlmApi } = await import("@continuedev/openai-adapters");
  version("@continuedev/openai-adapters");
  const api = (url, key = at.key) => constructLlmApi({ provider: "openai", apiBase: `${url}/v1/`, apiKey: key });
  const request = { model: "news-qa", messages };
  const { signal } = new AbortController();
  const whole = await api(at.url).chatCompletionNonStream(request, signal);
  say("whole", { text: whole.choices[0].message.content });
  let text = "";
  let usage = null;
  for await (const chunk of api(at.url).chatCompletionStream({ ...request, stream: true }, signal)) {
    text += chunk.choices[0]?.delta.content ?? "";
    usage = chunk.usage ?? usage;
  }
  say("streamed", { text, usage });
  say("models", { models: (await api(at.url).list()).map((model) => model.id ?? model) });
  for (const [kind, caller, model] of [
    ["unknown_model", api(at.url), "gpt-9"],
    ["bad_key", api(at.url, "wrong"), "news-qa"],
  ]) {
    try {
      await caller.chatCompletionNonStream({ ...request, model }, signal);
    } catch (error) {
      say(kind, { status: error.status, code: error.code });
    }
  }
  const stop = new AbortController();
  for await (const chunk of api(at.slow_url).chatCompletionStream({ ...request, stream: true }, stop.signal)) {
    if (chunk.choices[0]?.delta.content) break;
  }
  stop.abort();
  say("cancelled");
  await sleep(HOLD_MS);
}

// LobeChat's own parser of OpenAI streams, from its package: its page shows these events.
async function lobechat() {
  const { OpenAIStream } = await import("./lobechat.bundle.cjs");
  const { default: OpenAI } = await import("openai");
  version("@lobehub/chat", "lobechat/package/package.json");
  const ask = (key, model) =>
    new OpenAI({ baseURL: `${at.url}/v1`, apiKey: key, maxRetries: 0 }).chat.completions.create({
      model,
      messages,
      stream: true,
      stream_options: { include_usage: true },
      temperature: 1,
      user: "u1",
    });
  const found = { text: "", grounding: [], kinds: [] };
  let event = "";
  const decoder = new TextDecoder();
  for await (const piece of OpenAIStream(await ask(at.key, "news-qa-markers"))) {
    for (const line of (typeof piece === "string" ? piece : decoder.decode(piece)).split("\n")) {
      if (line.startsWith("event: ")) event = line.slice(7);
      if (!line.startsWith("data: ")) continue;
      const data = JSON.parse(line.slice(6));
      if (found.kinds.at(-1) !== event) found.kinds.push(event);
      if (event === "text") found.text += data;
      if (event === "grounding") found.grounding.push(data.citations);
    }
  }
  say("streamed", { ...found, urls: found.grounding.at(-1).map((source) => source.url) });
  for (const [kind, key, model] of [
    ["unknown_model", at.key, "gpt-9"],
    ["bad_key", "wrong", "news-qa"],
  ]) {
    await ask(key, model).catch((error) => say(kind, { status: error.status, code: error.code }));
  }
}

await { continue: continueDev, lobechat }[name]();
say("done");
