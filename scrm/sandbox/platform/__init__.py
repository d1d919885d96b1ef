"""WeChat Official Account: the cgi-bin API with the platform's own rules, on the business clock."""
