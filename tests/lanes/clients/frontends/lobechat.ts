// Where LobeChat reads OpenAI's streams; esbuild makes one file of it.
export { OpenAIStream } from "./lobechat/package/packages/model-runtime/src/core/streams/openai/openai";
