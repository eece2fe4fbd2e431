select cast(date '{{ var("first_day") }}' + cast(i as integer) as date) as day
from range(0, {{ var("days") }}) as days (i)
