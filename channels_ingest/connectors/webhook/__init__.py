"""Order systems of any kind: signed webhooks after the Standard Webhooks specification."""
