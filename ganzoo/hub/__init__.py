"""The Hugging Face Hub, through its own client: fetching and checking files, searching, committing a folder.

Nothing in here knows what a GAN is. The client's cache, token and environment variables (``HF_HOME``, ``HF_TOKEN``,
``HF_HUB_OFFLINE``, ``HF_ENDPOINT``, ...) apply; ganzoo adds none.
"""
