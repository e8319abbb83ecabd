---- tern: disable-tx ----
create index concurrently users_name on users (name);

---- create above / drop below ----

drop index users_name;
