"""Gradio's chat over the service, in its one line.

python gradio_app.py URL KEY PORT
"""

import sys

import gradio

url, key, port = sys.argv[1:]
gradio.load_chat(f"{url}/v1", model="news-qa", token=key).launch(server_name="127.0.0.1", server_port=int(port))
