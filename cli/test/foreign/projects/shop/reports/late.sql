select 'No order is paid.' where not exists (select 1 from revenue)
