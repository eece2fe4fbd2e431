-- Changes whenever anything changes that happened in the month.
select
    cast(date_trunc('month', date_on) as date) as month_start_on,
    {{ rows_digest(['date_on', 'happened_state']) }} as happened_state
from {{ ref('int_day_states') }}
group by all
