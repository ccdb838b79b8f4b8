// Run one JavaScript client against the service and print its events: one JSON object per line.
//
//     node clients.mjs CLIENT '{"url": ..., "slow_url": ..., "key": ..., "question": ...}'

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const [name, given] = process.argv.slice(2);
const at = JSON.parse(given);
const HOLD_MS = 2000; // how long a client lives on after it cancelled, so that its end does not do the cancelling
const MODEL = "news-qa";
const WRONG_MODEL = "gpt-9";
const WRONG_KEY = "wrong";

const say = (kind, data = {}) => process.stdout.write(JSON.stringify({ kind, ...data }) + "\n");

function version(name) {
  const about = new URL(`node_modules/${name}/package.json`, import.meta.url);
  say("version", { name, version: JSON.parse(readFileSync(about, "utf8")).version });
}

const messages = [
  { role: "system", content: "Be brief." },
  { role: "user", content: at.question },
];

async function refused(kind, call, status, code) {
  try {
    await call();
  } catch (error) {
    say(kind, { status: error[status], code: code(error), type: error.name });
  }
}

async function openaiClients() {
  const { default: OpenAI } = await import("openai");
  version("openai");
  return (url = at.url, apiKey = at.key) => new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });
}

async function openaiChat() {
  const client = await openaiClients();
  const request = { model: MODEL, messages };
  const urls = (message) => message.annotations.map((annotation) => annotation.url_citation.url);
  const models = [];
  for await (const listed of client().models.list()) models.push(listed.id);
  say("models", { models });
  const whole = (await client().chat.completions.create(request)).choices[0].message;
  say("whole", { text: whole.content, urls: urls(whole) });
  const stream = client().chat.completions.stream({ ...request, stream_options: { include_usage: true } });
  const final = (await stream.finalChatCompletion()).choices[0].message;
  say("streamed", { text: final.content, urls: urls(final) });
  const refusal = (kind, caller, model) =>
    refused(kind, () => caller.chat.completions.create({ ...request, model }), "status", (error) => error.code);
  await refusal("unknown_model", client(), WRONG_MODEL);
  await refusal("bad_key", client(at.url, WRONG_KEY), MODEL);
  const slow = await client(at.slow_url).chat.completions.create({ ...request, stream: true });
  for await (const chunk of slow) if (chunk.choices[0].delta.content) break;
  slow.controller.abort();
  say("cancelled");
  await sleep(HOLD_MS);
}

async function openaiResponses() {
  const client = await openaiClients();
  const request = { model: MODEL, input: at.question };
  const urls = (reply) => reply.output[0].content[0].annotations.map((annotation) => annotation.url);
  const whole = await client().responses.create(request);
  say("whole", { text: whole.output_text, urls: urls(whole) });
  const final = await client().responses.stream(request).finalResponse();
  say("streamed", { text: final.output_text, urls: urls(final) });
  const slow = await client(at.slow_url).responses.create({ ...request, stream: true });
  for await (const event of slow) if (event.type === "response.output_text.delta") break;
  slow.controller.abort();
  say("cancelled");
  await sleep(HOLD_MS);
}

async function aiSdk(kind) {
  const { generateText, streamText } = await import("ai");
  const { createOpenAI } = await import("@ai-sdk/openai");
  version("@ai-sdk/openai");
  const model = (id = MODEL, url = at.url, apiKey = at.key) => createOpenAI({ baseURL: `${url}/v1`, apiKey })[kind](id);
  const request = { messages, maxRetries: 0, allowSystemInMessages: true };
  const urls = (sources) => sources.map((source) => source.url);
  const whole = await generateText({ model: model(), ...request });
  say("whole", { text: whole.text, urls: urls(whole.sources) });
  const streamed = streamText({ model: model(), ...request });
  say("streamed", { text: await streamed.text, urls: urls(await streamed.sources) });
  const code = (error) => error.data?.error?.code;
  await refused("unknown_model", () => generateText({ model: model(WRONG_MODEL), ...request }), "statusCode", code);
  await refused("bad_key", () => generateText({ model: model(MODEL, at.url, WRONG_KEY), ...request }), "statusCode", code);
  const stop = new AbortController();
  const slow = streamText({ model: model(MODEL, at.slow_url), ...request, abortSignal: stop.signal });
  for await (const piece of slow.textStream) if (piece) break;
  stop.abort();
  say("cancelled");
  await sleep(HOLD_MS);
}

async function aiUi() {
  const { DefaultChatTransport, readUIMessageStream } = await import("ai");
  version("ai");
  const ask = (url, key, abortSignal) =>
    new DefaultChatTransport({ api: `${url}/api/chat`, headers: { authorization: `Bearer ${key}` } }).sendMessages({
      chatId: "c1",
      trigger: "submit-message",
      messages: [{ id: "m1", role: "user", parts: [{ type: "text", text: at.question }] }],
      abortSignal,
    });
  let last;
  for await (const message of readUIMessageStream({ stream: await ask(at.url, at.key) })) last = message;
  const parts = (type) => last.parts.filter((part) => part.type === type);
  say("streamed", {
    text: parts("text").map((part) => part.text).join(""),
    urls: parts("source-url").map((part) => part.url),
    quotes: parts("source-url").map((part) => part.providerMetadata.newsqa.quote),
    spans: parts("data-citation").map((part) => [part.data.article_id, part.data.start, part.data.end]),
    status: parts("data-answer")[0].data.status,
  });
  await refused("bad_key", () => ask(at.url, WRONG_KEY), "none", (error) => JSON.parse(error.message).error.code);
  const stop = new AbortController();
  for await (const chunk of await ask(at.slow_url, at.key, stop.signal)) if (chunk.type === "text-delta") break;
  stop.abort();
  say("cancelled");
  await sleep(HOLD_MS);
}

async function mcp() {
  const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
  const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/sdk/client/streamableHttp.js");
  version("@modelcontextprotocol/sdk");
  const client = new Client({ name: "lane", version: "1" });
  const requestInit = { headers: { authorization: `Bearer ${at.key}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${at.url}/mcp`), { requestInit }));
  say("tools", { tools: (await client.listTools()).tools.map((tool) => tool.name).sort() });
  const call = async (tool, args) => (await client.callTool({ name: tool, arguments: args })).structuredContent;
  const answer = await call("ask", { question: at.question });
  say("whole", { text: answer.answer, urls: answer.citations.map((citation) => citation.url) });
  const found = await call("search", { query: at.question });
  const article = await call("fetch", { id: found.results[0].id });
  say("fetched", { text: article.text, id: article.id });
  await client.close();
}

const clients = {
  "openai-chat": openaiChat,
  "openai-responses": openaiResponses,
  "ai-chat": () => aiSdk("chat"),
  "ai-responses": () => aiSdk("responses"),
  "ai-ui": aiUi,
  mcp,
};
await clients[name]();
say("done");
