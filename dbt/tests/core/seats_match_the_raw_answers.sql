-- Counts seats directly from the lists of the raw records in another way: by the greatest (when, position) of each member.
with last_answers as (
    select
        user_id,
        max_by(response, responded_ms * 100000 + rsvp_offset) as response,
        max_by(guests, responded_ms * 100000 + rsvp_offset) as guests,
        {{ record_columns() }}
    from {{ ref('stg_meetup__rsvps') }}
    group by user_id, {{ record_columns() }}
),

recounted as (
    select
        latest.event_key,
        sum(case when last_answers.response = 'yes' then 1 else 0 end) as yes_count,
        sum(case when last_answers.response = 'yes' then 1 + last_answers.guests else 0 end) as yes_seats,
        sum(case when last_answers.response = 'no' then 1 else 0 end) as no_count,
        sum(case when last_answers.response = 'waitlist' then 1 else 0 end) as waitlist_count,
        sum(case when last_answers.response = 'waitlist' then 1 + last_answers.guests else 0 end) as waitlist_seats
    from last_answers
    inner join {{ ref('int_answer_records') }} as latest on {{ is_same_record('last_answers', 'latest') }}
    group by latest.event_key
)

select
    events.event_key,
    recounted.event_key as recounted_event_key,
    events.yes_seats,
    recounted.yes_seats as recounted_yes_seats
from {{ ref('fct_events') }} as events
full outer join recounted on events.event_key = recounted.event_key
where
    events.event_key is null
    or events.yes_count <> coalesce(recounted.yes_count, 0)
    or events.yes_seats <> coalesce(recounted.yes_seats, 0)
    or events.no_count <> coalesce(recounted.no_count, 0)
    or events.waitlist_count <> coalesce(recounted.waitlist_count, 0)
    or events.waitlist_seats <> coalesce(recounted.waitlist_seats, 0)
