package litecheck

// Reserved is compared with SQLite.
var Reserved = reserved
