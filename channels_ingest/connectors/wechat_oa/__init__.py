"""WeChat Official Account, both directions."""
