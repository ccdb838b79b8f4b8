"""Chainlit's chat over the service: each `[n]` opens the cited words beside the answer.

NEWS_URL=... NEWS_KEY=... chainlit run chainlit_app.py
"""

import os

import chainlit as cl
import openai

client = openai.AsyncOpenAI(base_url=f"{os.environ['NEWS_URL']}/v1", api_key=os.environ["NEWS_KEY"])


@cl.on_message
async def answer(message: cl.Message) -> None:
    """Answer the conversation."""
    shown = cl.Message("")
    messages = cl.chat_context.to_openai()
    async for chunk in await client.chat.completions.create(model="news-qa-markers", messages=messages, stream=True):
        if words := chunk.choices[0].delta.content:
            await shown.stream_token(words)
        if answer_fields := getattr(chunk, "news_qa", None):
            shown.elements = [
                cl.Text(name=f"[{citation['number']}]", content=citation["quote"], display="side")
                for citation in answer_fields["citations"]
            ]
    await shown.send()
