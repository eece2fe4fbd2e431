select c.customer_id, c.full_name, n.country_name, c.loyalty
from {{ ref('stg_customers') }} as c
left join {{ ref('countries') }} as n on c.code = n.code
