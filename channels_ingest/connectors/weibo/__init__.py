"""Weibo: fans-service callbacks, comments and mentions by polling, private messages and comment replies out."""
