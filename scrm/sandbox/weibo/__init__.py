"""The double of Weibo: the company's posts with their comments, private messages, and the open platform's API."""
