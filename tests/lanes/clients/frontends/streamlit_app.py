"""Streamlit's chat over the service.

NEWS_URL=... NEWS_KEY=... streamlit run streamlit_app.py
"""

import os

import openai
import streamlit as st

client = openai.OpenAI(base_url=f"{os.environ['NEWS_URL']}/v1", api_key=os.environ["NEWS_KEY"])
if question := st.chat_input("Ask the news"):
    with st.chat_message("user"):
        st.write(question)
    with st.chat_message("assistant"):
        messages = [{"role": "user", "content": question}]
        st.write_stream(client.chat.completions.create(model="news-qa", messages=messages, stream=True))
