select cast(date '{{ var("first_day") }}' + cast(i as integer) as date) as day
from (select unnest(range({{ var("days") }})) as i) as days
