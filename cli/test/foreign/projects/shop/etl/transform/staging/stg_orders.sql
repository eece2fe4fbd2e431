select order_id, customer_id, ordered_on, amount, status from {{ source('web', 'orders') }}
