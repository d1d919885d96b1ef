"""The sandbox: a double of the platforms, in its own process with its own record. It imports nothing of the product but scrm.lib
and speaks with it only over HTTP and SMTP, so it can be the judge in fault tests."""
