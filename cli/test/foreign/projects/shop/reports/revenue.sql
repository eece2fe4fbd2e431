-- Revenue
select * from revenue order by month
