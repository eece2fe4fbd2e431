-- The month in which somebody first attended any event.
select
    user_id,
    min(attended_month_on) as month_start_on
from {{ ref('int_attendances') }}
group by user_id
