"""The audit log: who changed what and when. Rooms record into it; operators read it."""
