create function f() returns text as $$ begin return 'x'; end; $$ language plpgsql;
insert into users values (2, f());

---- create above / drop below ----

drop function f();
