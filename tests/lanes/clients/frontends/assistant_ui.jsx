// assistant-ui's own runtime and components over /api/chat: text, and each source part as a link.
import { AssistantRuntimeProvider, ComposerPrimitive, MessagePrimitive, ThreadPrimitive } from "@assistant-ui/react";
import { AssistantChatTransport, useChatRuntime } from "@assistant-ui/react-ai-sdk";
import { createRoot } from "react-dom/client";

const { url, key } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));

const Source = ({ url, title }) => (
  <a className="source" href={url} target="_blank">
    {title}
  </a>
);
const Cited = ({ data }) => <q className="quote">{data.quote}</q>;
const Message = () => (
  <MessagePrimitive.Root className="message">
    <MessagePrimitive.Parts components={{ Source, data: { by_name: { citation: Cited } } }} />
    <MessagePrimitive.Error>
      <b className="failed">failed</b>
    </MessagePrimitive.Error>
  </MessagePrimitive.Root>
);

function Chat() {
  const transport = new AssistantChatTransport({ api: `${url}/api/chat`, headers: { authorization: `Bearer ${key}` } });
  const runtime = useChatRuntime({ transport });
  return (
    <AssistantRuntimeProvider runtime={runtime}>
      <ThreadPrimitive.Root>
        <ThreadPrimitive.Messages components={{ Message }} />
        <ComposerPrimitive.Root>
          <ComposerPrimitive.Input id="q" placeholder="Ask the news" />
          <ComposerPrimitive.Send id="send">Send</ComposerPrimitive.Send>
          <ComposerPrimitive.Cancel id="stop">Stop</ComposerPrimitive.Cancel>
        </ComposerPrimitive.Root>
      </ThreadPrimitive.Root>
    </AssistantRuntimeProvider>
  );
}

createRoot(document.getElementById("root")).render(<Chat />);
