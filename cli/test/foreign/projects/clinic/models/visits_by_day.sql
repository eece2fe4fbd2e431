select
    {{ vendor_calendar.calendar_key(['d.day']) }} as day_key,
    d.day,
    cast({{ vendor_calendar.week_of('d.day') }} as date) as week,
    count(v.visit_id) as visits,
    coalesce(sum(v.minutes), 0) as minutes
from {{ ref('vendor_calendar', 'calendar_days') }} as d
left join {{ ref('visits') }} as v on v.visited_on = d.day
group by d.day
