select customer, count(*) as visits, min(sold_on) as first_visit_on
from {{ ref('sales') }}
group by customer
