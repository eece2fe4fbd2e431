-- 4 January is in week 1 of its year, weeks begin on Monday and have one number, and no day is missing.
with days as (
    select
        *,
        lag(iso_week) over (order by date_on) as previous_week,
        lag(iso_weekday) over (order by date_on) as previous_weekday,
        lag(date_on) over (order by date_on) as previous_on
    from {{ ref('dim_dates') }}
)

select *
from days
where
    (month = 1 and date_on = make_date(year, 1, 4) and (iso_week <> 1 or iso_year <> year))
    or previous_on + 1 <> date_on
    or mod(previous_weekday, 7) + 1 <> iso_weekday
    or (iso_weekday = 1 and previous_week = iso_week)
    or (iso_weekday <> 1 and previous_week <> iso_week)
    or is_weekend <> (iso_weekday in (6, 7))
