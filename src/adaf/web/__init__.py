"""The dashboard's pages: HTML made on the server, and a few modules for what is alive in the browser."""
