-- The month in which somebody first attended any event.
select
    user_id,
    cast(date_trunc('month', min(first_attended_at)) as date) as month_start_on
from {{ ref('group_attendees') }}
group by user_id
