"""The store on SQLite: one file a user, a catalog beside them."""
