"""``make chaos``: customers walk the whole road through the sandbox while processes are killed and stopped and the platforms
misbehave; then a checker that shares no code with the product lays the sandbox's record beside the database."""
