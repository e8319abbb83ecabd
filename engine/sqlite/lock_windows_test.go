package sqlite

func lockers() map[string]locker { return map[string]locker{"system": system} }
