create table users (id integer primary key, name text);
insert into users values (1, 'one; two');

---- create above / drop below ----

drop table users;
