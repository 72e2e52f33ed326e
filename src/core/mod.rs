//! Pure ground: names, secrets, verifiers, sealing, URLs. Nothing here knows a server.
