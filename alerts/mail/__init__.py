"""What it takes to send mail: the message, its HTML, the conversation with the server and what its answers mean."""
