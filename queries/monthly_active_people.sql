-- How many people are active each month? The last 12 complete months.
select
    month_start_on,
    active_people,
    attending_people,
    new_attending_people,
    active_groups
from marts.platform_months
where is_month_over
order by month_start_on desc
limit 12
