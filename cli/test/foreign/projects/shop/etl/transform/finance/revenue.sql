select
    cast(date_trunc('month', ordered_on) as date) as month,
    {{ rounded('sum(amount)') }} as revenue,
    '{{ var("currency") }}' as currency
from {{ ref('paid_orders') }}
group by 1
